-- Where alerts stand after ISA-18.2, what operators did with them, and what more rules may say.

ALTER TABLE alerts ADD COLUMN alarm_state TEXT;        -- active_unacknowledged, shelved, returned_unacknowledged ...
ALTER TABLE alerts ADD COLUMN shelved_until TEXT;      -- of an open alert on a shelf
ALTER TABLE alerts ADD COLUMN comment TEXT;            -- of the acknowledgement
ALTER TABLE alerts ADD COLUMN step TEXT;               -- of a ladder: low_low, low, high, high_high

-- All that happened to alerts, as the event log has it.
CREATE TABLE alert_history (
  sequence     INTEGER PRIMARY KEY,        -- place in the event log
  alert_id     TEXT NOT NULL,
  kind         TEXT NOT NULL,              -- alert_raised, alert_shelved ...
  severity     TEXT NOT NULL,
  value        REAL,
  at           TEXT NOT NULL,
  at_us        INTEGER NOT NULL,
  recorded_at  TEXT NOT NULL,
  by_whom      TEXT,
  hushed       TEXT,                       -- shelved, suppressed, out_of_service: nobody was told
  until        TEXT,                       -- of a shelf
  comment      TEXT
);
CREATE INDEX alert_history_of_alert ON alert_history (alert_id, at_us);

ALTER TABLE alert_rules ADD COLUMN latch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert_rules ADD COLUMN suppressed_by INTEGER;              -- another rule of the sensor
ALTER TABLE alert_rules ADD COLUMN re_alarm_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert_rules ADD COLUMN silence_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert_rules ADD COLUMN low_low REAL;                       -- NULL: none
ALTER TABLE alert_rules ADD COLUMN high_high REAL;

-- What is in the log already is copied once more, so that old alerts have all this too.
UPDATE meta SET value = 0 WHERE key = 'event_sequence';

-- With the state of each.
DROP VIEW active_alerts;
CREATE VIEW active_alerts AS
SELECT alerts.raised_at, factories.name AS factory, machines.name AS machine, sensors.name AS sensor, sensors.unit,
       alerts.severity, alerts.value, alerts.limit_value, alerts.source, alert_rules.name AS rule,
       alerts.acknowledged_by, alerts.acknowledged_at, alerts.id, alerts.alarm_state, alerts.shelved_until
FROM alerts
LEFT JOIN sensors ON sensors.id = alerts.sensor_id
LEFT JOIN machines ON machines.id = sensors.machine_id
LEFT JOIN factories ON factories.id = machines.factory_id
LEFT JOIN alert_rules ON alert_rules.id = alerts.rule_id
WHERE alerts.state = 'active'
ORDER BY alerts.raised_at_us DESC;
