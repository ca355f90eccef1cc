"""The chapter on whether the liver metastases responded."""
