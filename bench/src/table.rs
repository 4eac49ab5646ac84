//! The one table that comes out. The first row is the floor, and the others are also told as multiples of it.

use std::fmt;

const HEADERS: [&str; 10] = [
    "",
    "CPU µs/request",
    "CPU µs/stream",
    "CPU µs/frame",
    "database µs/request",
    "added p50 µs",
    "added p99 µs",
    "requests/s",
    "memory MiB",
    "with 1,000 streams",
];

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) cpu_json: f64,
    pub(crate) cpu_sse: f64,
    pub(crate) cpu_frame: f64,
    /// Processor time of the database behind it, in microseconds.
    pub(crate) database: Option<f64>,
    /// Beyond the provider itself, with one client.
    pub(crate) added_p50: f64,
    pub(crate) added_p99: f64,
    pub(crate) per_second: f64,
    pub(crate) memory: f64,
    pub(crate) memory_idle: Option<f64>,
}

#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    fn cells(&self, row: &Row) -> [String; HEADERS.len()] {
        let beside = |figure: f64, of: fn(&Row) -> f64, digits: usize| {
            let floor = self.rows.first().map_or(f64::NAN, of);
            format!("{figure:.digits$} ({:.1}×)", figure / floor)
        };
        let alone = |figure: Option<f64>| figure.map_or_else(String::new, |figure| format!("{figure:.0}"));
        [
            row.name.to_owned(),
            beside(row.cpu_json, |row| row.cpu_json, 1),
            beside(row.cpu_sse, |row| row.cpu_sse, 0),
            beside(row.cpu_frame, |row| row.cpu_frame, 2),
            alone(row.database),
            beside(row.added_p50, |row| row.added_p50, 0),
            beside(row.added_p99, |row| row.added_p99, 0),
            beside(row.per_second, |row| row.per_second, 0),
            format!("{:.0}", row.memory),
            alone(row.memory_idle),
        ]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![HEADERS.map(ToOwned::to_owned)];
        lines.extend(self.rows.iter().map(|row| self.cells(row)));
        let widths: Vec<usize> = (0..HEADERS.len()).map(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0)).collect();
        for line in &lines {
            for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
                if at == 0 { write!(f, "{cell}{fill}")? } else { write!(f, "  {fill}{cell}")? }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
