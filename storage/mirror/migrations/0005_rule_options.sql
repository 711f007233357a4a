-- When a breach of a rule becomes an alert, and what the operator is told.

ALTER TABLE alert_rules ADD COLUMN deadband TEXT NOT NULL DEFAULT '0';   -- a number, or a percentage of the limit: 2%
ALTER TABLE alert_rules ADD COLUMN on_delay_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert_rules ADD COLUMN off_delay_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert_rules ADD COLUMN count_of TEXT NOT NULL DEFAULT '1/1'; -- so many of the newest so many readings
ALTER TABLE alert_rules ADD COLUMN priority INTEGER;                     -- 1 is most urgent; NULL as the severity says
ALTER TABLE alert_rules ADD COLUMN message TEXT NOT NULL DEFAULT '';
ALTER TABLE alert_rules ADD COLUMN instructions TEXT NOT NULL DEFAULT '';
