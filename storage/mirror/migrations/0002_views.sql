-- What one asks for at a machine, without joins.

CREATE VIEW sensor_overview AS
SELECT sensors.id AS sensor_id, factories.name AS factory, machines.name AS machine, machines.status AS machine_status,
       sensors.name AS sensor, sensors.unit, sensors.min_threshold, sensors.max_threshold,
       series.latest_value, series.last_at, series.reading_count, series.first_at,
       (SELECT count(*) FROM alerts WHERE alerts.sensor_id = sensors.id AND alerts.state = 'active') AS active_alerts
FROM sensors
JOIN machines ON machines.id = sensors.machine_id
JOIN factories ON factories.id = machines.factory_id
LEFT JOIN series ON series.sensor_id = sensors.id;

CREATE VIEW active_alerts AS
SELECT alerts.raised_at, factories.name AS factory, machines.name AS machine, sensors.name AS sensor, sensors.unit,
       alerts.severity, alerts.value, alerts.limit_value, alerts.source, alert_rules.name AS rule,
       alerts.acknowledged_by, alerts.acknowledged_at, alerts.id
FROM alerts
LEFT JOIN sensors ON sensors.id = alerts.sensor_id
LEFT JOIN machines ON machines.id = sensors.machine_id
LEFT JOIN factories ON factories.id = machines.factory_id
LEFT JOIN alert_rules ON alert_rules.id = alerts.rule_id
WHERE alerts.state = 'active'
ORDER BY alerts.raised_at_us DESC;
