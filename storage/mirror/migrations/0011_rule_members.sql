-- What a rule about anomalies looks at, and who is told of a rule's alerts.

ALTER TABLE alert_rules ADD COLUMN min_score REAL;     -- of ANOMALY, as the next two; else NULL
ALTER TABLE alert_rules ADD COLUMN min_severity TEXT;
ALTER TABLE alert_rules ADD COLUMN detectors TEXT;     -- with blanks between: drift stuck; or any
ALTER TABLE alert_rules ADD COLUMN channels TEXT;      -- ids with blanks between; NULL: none
ALTER TABLE alert_rules ADD COLUMN escalation TEXT;    -- to read: 300000 ms CRITICAL 2 3; 600000 ms CRITICAL 4; NULL: none

-- The catalog is copied once more, so that the rules that there are have it too.
UPDATE meta SET value = 0 WHERE key = 'catalog_version';
