use reqwest::header::{HeaderName, HeaderValue};

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(pair).collect()
}

#[test]
fn retry_after_is_read_in_its_three_forms_and_bounded() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let read = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), now);
    assert_eq!(read(&[("retry-after-ms", "1500"), ("retry-after", "9")]), Some(Duration::from_millis(1_500)));
    assert_eq!(read(&[("retry-after", "9")]), Some(Duration::from_secs(9)));
    assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT")]), Some(Duration::from_secs(3)));
    assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT")]), Some(Duration::ZERO));
    assert_eq!(read(&[("retry-after", "1e300")]), Some(RETRY_AFTER_MAX));
    for nonsense in ["-1", "soon", "NaN", ""] {
        assert_eq!(read(&[("retry-after", nonsense)]), None, "{nonsense}");
    }
}
