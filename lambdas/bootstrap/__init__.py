"""Creates the database roles, once per deployment."""
