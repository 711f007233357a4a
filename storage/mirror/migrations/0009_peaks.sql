-- The reading of each alert that was furthest beyond its limit: of an open one, as far as its newest escalation tells.

ALTER TABLE alerts ADD COLUMN peak REAL;
ALTER TABLE alerts ADD COLUMN peak_at TEXT;
ALTER TABLE alerts ADD COLUMN peak_at_us INTEGER;

-- What is in the log already is copied once more, so that old alerts have it too.
UPDATE meta SET value = 0 WHERE key = 'event_sequence';
