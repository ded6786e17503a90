#!/bin/sh
# `parquetry` and `prefect` as they are found in a container. `docker compose exec` passes the entrypoint by, so that a
# command typed there would lack the secrets: it goes through the entrypoint after all.
name=${0##*/}
root=$(readlink -f "$0")
root=${root%/deploy/docker/command.sh}
for folder in "$root/app/bin" "$root/venv/bin"; do
    [ ! -x "$folder/$name" ] || exec "$root/deploy/docker/entrypoint.sh" "$folder/$name" "$@"
done
echo "$name: not in this image" >&2
exit 127
