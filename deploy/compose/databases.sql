-- Two databases on one server, each with an owner who can reach no other. Run once, by an empty server.
\set ON_ERROR_STOP on
\set ledger_password `cat /run/secrets/ledger_password`
\set prefect_password `cat /run/secrets/prefect_password`

CREATE ROLE parquetry LOGIN PASSWORD :'ledger_password';
CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE DATABASE parquetry OWNER parquetry;
CREATE DATABASE prefect OWNER prefect;
REVOKE CONNECT ON DATABASE parquetry FROM PUBLIC;
REVOKE CONNECT ON DATABASE prefect FROM PUBLIC;
