#!/bin/sh
# The last step of every build stage: what is shipped loses pip, and gets its bytecode, since nothing can be written
# later. Bytecode that is checked against nothing is the same bytes whenever it is built.
set -eu
cp -r deploy /opt/parquetry/deploy
# The code looks for its automations in `deploy` beside itself, as in a checkout.
ln -s /opt/parquetry/deploy /opt/parquetry/venv/lib/python3.11/site-packages/deploy
chmod 0755 /opt/parquetry/deploy/docker/entrypoint.sh
python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/parquetry/venv/lib /opt/parquetry/deploy || true
rm -rf /opt/parquetry/venv/lib/python3*/site-packages/pip /opt/parquetry/venv/lib/python3*/site-packages/pip-*
rm -f /opt/parquetry/venv/bin/pip*
chmod -R go-w,a+rX /opt/parquetry
