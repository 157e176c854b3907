"""Files in: CSV, Excel and Parquet become raw tables that still know the row their user sees."""
