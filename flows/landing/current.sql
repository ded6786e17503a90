-- The current state of one schema: the latest version of every row, without rows that a person withdrew.
-- For DuckDB; {view} and {glob} are filled in by `flows.landing.current_sql`. By hand, for example:
--   invoice for the view, and 'lake/invoice/*.parquet' for the files
CREATE OR REPLACE VIEW {view} AS
SELECT *
FROM read_parquet({glob}, union_by_name = true)
QUALIFY version = max(version) OVER (PARTITION BY row_key) AND NOT retracted;
