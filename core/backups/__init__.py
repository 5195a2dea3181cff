"""Backup and restore: the database and the files of users in one archive, for any database.

`make` writes an archive, `restore` puts it back. `tables` says which tables a revision has,
`values` how a value is written, `manifest` what an archive contains, `archive` how it is read and
checked, `snapshot` how all rows are read as of one moment, `target` how a database is filled.
"""
