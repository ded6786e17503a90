#!/bin/sh
# Installs our code by itself, beside the libraries, so that a new version of it is a small layer.
set -eu
pip install --no-deps --no-build-isolation --target /opt/parquetry/app .
cp -r deploy /opt/parquetry/deploy
# The code looks for its automations in `deploy` beside itself, as in a checkout.
ln -s /opt/parquetry/deploy /opt/parquetry/app/deploy
chmod 0755 /opt/parquetry/deploy/docker/entrypoint.sh /opt/parquetry/deploy/docker/command.sh
mkdir /opt/parquetry/bin
for name in parquetry prefect; do ln -s /opt/parquetry/deploy/docker/command.sh "/opt/parquetry/bin/$name"; done
python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/parquetry/app /opt/parquetry/deploy
chmod -R go-w,a+rX /opt/parquetry/app /opt/parquetry/deploy
