"""Session state: which call continues which, kept in Redis or in memory."""
