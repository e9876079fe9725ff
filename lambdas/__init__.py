"""The Lambda functions. A handler is thin; its modules stand beside it."""
