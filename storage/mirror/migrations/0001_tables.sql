-- The mirror: a copy of the metadata for people and SQL tools. Never read by the engine; delete it and it is rebuilt.
-- Times are UTC: *_at as RFC 3339 text to read, *_us in microseconds since 1970 to calculate with.

CREATE TABLE factories (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL,
  location      TEXT NOT NULL,
  created_at    TEXT NOT NULL,
  created_at_us INTEGER NOT NULL
);

CREATE TABLE machines (
  id            INTEGER PRIMARY KEY,
  factory_id    INTEGER NOT NULL REFERENCES factories (id) DEFERRABLE INITIALLY DEFERRED,
  name          TEXT NOT NULL,
  type          TEXT NOT NULL,
  status        TEXT NOT NULL,               -- OPERATIONAL, MAINTENANCE, OFFLINE
  created_at    TEXT NOT NULL,
  created_at_us INTEGER NOT NULL
);
CREATE INDEX machines_of_factory ON machines (factory_id);

CREATE TABLE sensors (
  id            INTEGER PRIMARY KEY,
  machine_id    INTEGER NOT NULL REFERENCES machines (id) DEFERRABLE INITIALLY DEFERRED,
  name          TEXT NOT NULL,
  unit          TEXT NOT NULL,
  min_threshold REAL,                        -- NULL: no limit
  max_threshold REAL,
  created_at    TEXT NOT NULL,
  created_at_us INTEGER NOT NULL
);
CREATE INDEX sensors_of_machine ON sensors (machine_id);

CREATE TABLE alert_rules (
  id            INTEGER PRIMARY KEY,
  sensor_id     INTEGER NOT NULL REFERENCES sensors (id) DEFERRABLE INITIALLY DEFERRED,
  name          TEXT NOT NULL,
  condition     TEXT NOT NULL,               -- GREATER_THAN (high), LESS_THAN (low), OUT_OF_RANGE (both)
  low           REAL NOT NULL,
  high          REAL NOT NULL,
  severity      TEXT NOT NULL,               -- INFO, WARNING, CRITICAL
  enabled       INTEGER NOT NULL             -- 0 or 1
);
CREATE INDEX alert_rules_of_sensor ON alert_rules (sensor_id);

-- History: findings stay when their sensor goes, so nothing refers to sensors here.
CREATE TABLE alerts (
  id                 TEXT PRIMARY KEY,       -- as in the API
  sensor_id          INTEGER NOT NULL,
  source             TEXT NOT NULL,          -- min_threshold, max_threshold, alert_rule
  rule_id            INTEGER,                -- of an alert_rule
  state              TEXT NOT NULL,          -- active, cleared
  severity           TEXT NOT NULL,
  value              REAL,                   -- that raised it
  limit_value        REAL,                   -- that it passed
  raised_at          TEXT NOT NULL,
  raised_at_us       INTEGER NOT NULL,
  cleared_at         TEXT,
  cleared_at_us      INTEGER,
  cleared_value      REAL,
  acknowledged_at    TEXT,
  acknowledged_at_us INTEGER,
  acknowledged_by    TEXT,
  sequence           INTEGER NOT NULL        -- place of the raise in the event log
) WITHOUT ROWID;
CREATE INDEX alerts_of_sensor ON alerts (sensor_id, raised_at_us);
CREATE INDEX alerts_active ON alerts (raised_at_us) WHERE state = 'active';

CREATE TABLE anomalies (
  sequence       INTEGER PRIMARY KEY,        -- place in the event log
  id             TEXT NOT NULL,              -- as in the API
  sensor_id      INTEGER NOT NULL,
  value          REAL,
  z_score        REAL,
  mean           REAL,                       -- of the window before the reading joined it
  std_dev        REAL,
  threshold      REAL,
  severity       TEXT NOT NULL,
  detected_at    TEXT NOT NULL,              -- time of the reading
  detected_at_us INTEGER NOT NULL
);
CREATE INDEX anomalies_of_sensor ON anomalies (sensor_id, detected_at_us);

-- What has been stored of each sensor; follows a little behind.
CREATE TABLE series (
  sensor_id      INTEGER PRIMARY KEY,
  reading_count  INTEGER NOT NULL,
  first_at       TEXT NOT NULL,
  first_at_us    INTEGER NOT NULL,
  last_at        TEXT NOT NULL,
  last_at_us     INTEGER NOT NULL,
  latest_value   REAL
);

-- How far the mirror has followed which store.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;
