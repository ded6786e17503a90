-- One schema of a Parquet lake in DuckDB: as it is now, and as it was at a moment. A state is the latest version
-- of every row, without rows that a person withdrew. `parquetry lake sql --schema NAME` fills in the names;
-- by hand: invoice for {view}, invoice_as_of for {macro}, and 'lake/invoice/*.parquet' for {glob}. Then:
--   SELECT * FROM invoice;
--   SELECT * FROM invoice_as_of(TIMESTAMPTZ '2026-10-01 00:00:00+00');
CREATE OR REPLACE VIEW {view} AS
SELECT *
FROM read_parquet({glob}, union_by_name = true)
QUALIFY version = max(version) OVER (PARTITION BY row_key) AND NOT retracted;

CREATE OR REPLACE MACRO {macro}(moment) AS TABLE
SELECT *
FROM read_parquet({glob}, union_by_name = true)
WHERE valid_from <= moment
QUALIFY version = max(version) OVER (PARTITION BY row_key) AND NOT retracted;
