-- Commands that the tenant has tightened, with the class that they have here. Read with the rights at the start of every
-- unit of work; the platform module keeps it.
ALTER TABLE kernel_placement ADD COLUMN risks jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(risks) = 'object');
