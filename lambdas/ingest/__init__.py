"""The ingest Lambda: one batch of one table from PostgreSQL to bronze, exactly once.

handler -> run -> capture (horizon, catalog, statements)     which rows; PostgreSQL
               -> landing (extraction, objects)               Parquet, S3
               -> lakehouse.ledger                            what is committed; DynamoDB
"""
