use super::*;

fn failed(file: &str, rows: impl Iterator<Item = usize>) -> Vec<RowError> {
    rows.map(|row| RowError::new(file, row, Error::field("name", "is required"))).collect()
}

#[test]
fn the_first_errors_of_a_file_are_listed_and_the_others_counted() {
    let mut errors = Errors::default();
    errors.add("a.csv", failed("lines.csv", 1..=10));
    // Rows that were refused at once come from all over the file, the others chunk by chunk.
    errors.add("a.csv", failed("a.csv", (2..=4 * ERRORS_MAX).filter(|row| row % 2 == 0)));
    for chunk in 0..20 {
        errors.add("a.csv", failed("a.csv", (0..ERRORS_MAX / 10).map(|at| 2 * (chunk * ERRORS_MAX / 10 + at) + 1)));
        assert!(errors.listed.len() <= ERRORS_MAX, "no more is kept than is listed");
    }
    let mut report = Report::default();
    report.add(StepReport::default(), errors.clone());
    let rows: Vec<usize> = report.errors.iter().map(|error| error.row).collect();
    assert_eq!(rows, (1..=ERRORS_MAX).collect::<Vec<_>>());
    assert_eq!(report.errors_left_out, 10 + 2 * ERRORS_MAX + 2 * ERRORS_MAX - ERRORS_MAX);

    // Another file finds no room, and whoever goes on with the first one begins with what was told.
    let told = report.clone();
    report.add(StepReport::default(), Errors { listed: failed("b.csv", 1..=3), left_out: 4 });
    assert_eq!((report.errors.len(), report.errors_left_out), (ERRORS_MAX, told.errors_left_out + 7));
    let mut resumed = Errors::of(told.clone());
    resumed.add("a.csv", failed("a.csv", std::iter::once(9 * ERRORS_MAX)));
    assert_eq!((resumed.listed.len(), resumed.left_out), (ERRORS_MAX, told.errors_left_out + 1));
}
