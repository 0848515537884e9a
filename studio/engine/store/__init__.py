"""The truth on disk: tables, sessions, migrations, full-text search and content-addressed files."""
