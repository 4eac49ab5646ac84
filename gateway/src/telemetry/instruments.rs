//! The figures of this program as instruments of OpenTelemetry: what `metrics` records goes there as well.

use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::registry::{Registry, Storage};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The upper bounds of a histogram's buckets; `None` for the library's own.
pub(super) type Bounds = fn(&str) -> Option<&'static [f64]>;

/// A recorder that hands on to OpenTelemetry.
pub(super) struct Instruments(Registry<Key, Arc<Made>>);

/// What instruments are made of. Each is made once for its name and labels.
struct Made {
    meter: Meter,
    bounds: Bounds,
    described: Mutex<HashMap<String, (Option<Unit>, String)>>,
}

impl Instruments {
    pub(super) fn new(provider: &SdkMeterProvider, bounds: Bounds) -> Self {
        Self(Registry::new(Arc::new(Made { meter: provider.meter("steward"), bounds, described: Mutex::default() })))
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>, description: &SharedString) {
        self.0.storage().described().insert(key.as_str().to_owned(), (unit, description.to_string()));
    }
}

impl Recorder for Instruments {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.0.get_or_create_counter(key, |counter| counter.clone().into())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.0.get_or_create_gauge(key, |gauge| gauge.clone().into())
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.0.get_or_create_histogram(key, |histogram| histogram.clone().into())
    }
}

impl Made {
    fn described(&self) -> MutexGuard<'_, HashMap<String, (Option<Unit>, String)>> {
        self.described.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, key: &Key) -> (String, &'static str, String, Vec<KeyValue>) {
        let name = key.name().to_owned();
        let (unit, description) = self.described().get(&name).cloned().unwrap_or_default();
        let labels = key.labels().map(|label| KeyValue::new(label.key().to_owned(), label.value().to_owned())).collect();
        (name, unit.map_or("", |unit| in_ucum(&unit)), description, labels)
    }
}

/// The unit as OpenTelemetry writes it.
fn in_ucum(unit: &Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Milliseconds => "ms",
        Unit::Bytes => "By",
        Unit::Percent => "%",
        _ => "",
    }
}

impl Storage<Key> for Made {
    type Counter = Arc<Sum>;
    type Gauge = Arc<Level>;
    type Histogram = Arc<Spread>;

    fn counter(&self, key: &Key) -> Arc<Sum> {
        let (name, unit, description, labels) = self.of(key);
        let instrument = self.meter.u64_counter(name).with_unit(unit).with_description(description).build();
        Arc::new(Sum { instrument, labels, told: AtomicU64::new(0) })
    }

    fn gauge(&self, key: &Key) -> Arc<Level> {
        let (name, unit, description, labels) = self.of(key);
        let instrument = self.meter.f64_gauge(name).with_unit(unit).with_description(description).build();
        Arc::new(Level { instrument, labels, bits: AtomicU64::new(0) })
    }

    fn histogram(&self, key: &Key) -> Arc<Spread> {
        let (name, unit, description, labels) = self.of(key);
        let bounds = (self.bounds)(&name);
        let builder = self.meter.f64_histogram(name).with_unit(unit).with_description(description);
        let builder = match bounds {
            Some(bounds) => builder.with_boundaries(bounds.to_vec()),
            None => builder,
        };
        Arc::new(Spread { instrument: builder.build(), labels })
    }
}

/// A counter.
struct Sum {
    instrument: opentelemetry::metrics::Counter<u64>,
    labels: Vec<KeyValue>,
    /// The highest total that was told, for counters that are told as totals.
    told: AtomicU64,
}

impl CounterFn for Sum {
    fn increment(&self, value: u64) {
        self.instrument.add(value, &self.labels);
    }

    fn absolute(&self, value: u64) {
        let before = self.told.fetch_max(value, Ordering::AcqRel);
        self.instrument.add(value.saturating_sub(before), &self.labels);
    }
}

/// A gauge.
struct Level {
    instrument: opentelemetry::metrics::Gauge<f64>,
    labels: Vec<KeyValue>,
    bits: AtomicU64,
}

impl Level {
    fn change(&self, by: f64) {
        let change = |bits| Some((f64::from_bits(bits) + by).to_bits());
        let before = self.bits.fetch_update(Ordering::AcqRel, Ordering::Acquire, change).unwrap_or_else(|bits| bits);
        self.instrument.record(f64::from_bits(before) + by, &self.labels);
    }
}

impl GaugeFn for Level {
    fn increment(&self, value: f64) {
        self.change(value);
    }

    fn decrement(&self, value: f64) {
        self.change(-value);
    }

    fn set(&self, value: f64) {
        self.bits.store(value.to_bits(), Ordering::Release);
        self.instrument.record(value, &self.labels);
    }
}

/// A histogram.
struct Spread {
    instrument: opentelemetry::metrics::Histogram<f64>,
    labels: Vec<KeyValue>,
}

impl HistogramFn for Spread {
    fn record(&self, value: f64) {
        self.instrument.record(value, &self.labels);
    }
}
