"""The service layer: plain functions that decide, check access and talk to the database."""
