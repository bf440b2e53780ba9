//! PostgreSQL's text output → typed values, one grammar a file. Pure.
