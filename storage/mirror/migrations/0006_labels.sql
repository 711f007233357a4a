-- Labels, key = value. A sensor has the labels of its machine too, where it has none with that key: see the view.

CREATE TABLE machine_labels (
  machine_id INTEGER NOT NULL REFERENCES machines (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  key        TEXT NOT NULL,
  value      TEXT NOT NULL,
  PRIMARY KEY (machine_id, key)
) WITHOUT ROWID;
CREATE INDEX machines_by_label ON machine_labels (key, value);

CREATE TABLE sensor_labels (
  sensor_id INTEGER NOT NULL REFERENCES sensors (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (sensor_id, key)
) WITHOUT ROWID;
CREATE INDEX sensors_by_label ON sensor_labels (key, value);

CREATE VIEW labels_of_sensors AS
SELECT sensor_id, key, value FROM sensor_labels
UNION ALL
SELECT sensors.id, machine_labels.key, machine_labels.value
FROM machine_labels
JOIN sensors ON sensors.machine_id = machine_labels.machine_id
WHERE NOT EXISTS (SELECT 1 FROM sensor_labels WHERE sensor_labels.sensor_id = sensors.id AND sensor_labels.key = machine_labels.key);
