"""The adversarial harness: writers that do their worst while the ingest is killed and retried.

harness -> writers     sessions that write to a real PostgreSQL, committed or not
        -> attempt     one ingest in a process of its own, killed by SIGKILL
        -> aws         S3 and DynamoDB over HTTP, so that they outlive the killed process
        -> verdict     source and bronze compared row by row
"""
