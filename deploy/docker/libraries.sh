#!/bin/sh
# The last step of every stage that installs libraries: they learn where our code is, lose what only their makers use,
# and get their bytecode, since nothing can be written later. Bytecode that is checked against nothing is the same bytes
# whenever it is built.
set -eu
site=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo /opt/parquetry/app > "$site/parquetry.pth"
rm -rf "$site/torch/test" "$site/torch/include" "$site/pyarrow/tests" "$site/pyarrow/include"
for package in networkx scipy sklearn sympy; do
    [ ! -d "$site/$package" ] || find "$site/$package" -type d -name tests -prune -exec rm -rf {} +
done
[ ! -d "$site/torch/bin" ] || find "$site/torch/bin" -type f ! -name torch_shm_manager -delete
# Of torch, a file for a newer Python does not compile; it is never imported on this one.
python -m compileall -q -j 0 --invalidation-mode unchecked-hash "$site" || true
rm -rf "$site"/pip "$site"/pip-* /opt/parquetry/venv/bin/pip*
chmod -R go-w,a+rX /opt/parquetry/venv
