-- How many days readings are kept: 0 for ever; NULL as the machine, then the factory, then the configuration says.

ALTER TABLE factories ADD COLUMN retention_days INTEGER;
ALTER TABLE machines ADD COLUMN retention_days INTEGER;
ALTER TABLE sensors ADD COLUMN retention_days INTEGER;
