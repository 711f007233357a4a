-- Anomalies are episodes: begin (detected_at), end, peak (value). Of one reading, begin and end are the same.

ALTER TABLE anomalies ADD COLUMN detector TEXT NOT NULL DEFAULT 'z_score';
ALTER TABLE anomalies ADD COLUMN what TEXT;                               -- the fault that the detector takes it for
ALTER TABLE anomalies ADD COLUMN open INTEGER NOT NULL DEFAULT 0;         -- 0 or 1
ALTER TABLE anomalies ADD COLUMN ended_at TEXT;                           -- last reading of it so far
ALTER TABLE anomalies ADD COLUMN ended_at_us INTEGER;
ALTER TABLE anomalies ADD COLUMN reading_count INTEGER NOT NULL DEFAULT 1; -- beyond the boundary
ALTER TABLE anomalies ADD COLUMN expected REAL;                           -- at the peak, as low and high
ALTER TABLE anomalies ADD COLUMN low REAL;
ALTER TABLE anomalies ADD COLUMN high REAL;
ALTER TABLE anomalies ADD COLUMN score REAL;                              -- 1.0 is the boundary
ALTER TABLE anomalies ADD COLUMN explanation TEXT;
UPDATE anomalies SET ended_at = detected_at, ended_at_us = detected_at_us;
CREATE INDEX anomalies_by_id ON anomalies (id);
