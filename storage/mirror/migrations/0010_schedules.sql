-- When a rule is in force.

ALTER TABLE alert_rules ADD COLUMN schedule TEXT;  -- NULL: always
