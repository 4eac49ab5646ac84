-- Commands that the tenant has tightened, with the class that they have here: part of its catalogue, like its own fields.
-- The platform module keeps it.
ALTER TABLE kernel_placement ADD COLUMN risks jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(risks) = 'object');
