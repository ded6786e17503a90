#!/bin/sh
# Secrets come as files, as orchestrators mount them: NAME_FILE=/run/secrets/name becomes NAME, for the command only.
set -eu
for name in \
    PARQUETRY_DATABASE PARQUETRY_LAKE PARQUETRY_SOURCE PARQUETRY_REVIEW__OIDC__CLIENT_SECRET \
    PARQUETRY_HOOKS__TOKEN PARQUETRY_ALERTS__ADDRESS PARQUETRY_ALERTS__TOKEN PARQUETRY_METRICS_TOKEN \
    PARQUETRY_VLLM__API_KEY \
    PREFECT_API_AUTH_STRING PREFECT_SERVER_API_AUTH_STRING PREFECT_SERVER_DATABASE_CONNECTION_URL
do
    eval "file=\${${name}_FILE:-}"
    [ -n "$file" ] || continue
    [ -r "$file" ] || { echo "entrypoint: ${name}_FILE names $file, which cannot be read" >&2; exit 2; }
    value=$(cat "$file")
    export "$name=$value"
    unset "${name}_FILE"
done
exec "$@"
