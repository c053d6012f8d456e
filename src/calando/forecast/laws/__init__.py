"""The laws: one small file each, one line each in LAWS."""
