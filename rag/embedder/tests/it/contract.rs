//! What every embedder promises. The tests of the local model include this file as well.

use steward_embedder::{Embedder, Purpose, TEXT_BYTES_MAX};

pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(crate) async fn one(embedder: &dyn Embedder, text: &str) -> Vec<f32> {
    embedder.embed(vec![text.to_owned()], Purpose::Query).await.unwrap().remove(0)
}

pub(crate) async fn holds(embedder: &dyn Embedder) {
    assert!(!embedder.model().is_empty());
    assert_eq!(embedder.dimensions(), 384);
    assert!(embedder.embed(Vec::new(), Purpose::Query).await.unwrap().is_empty(), "no texts, no vectors");

    // Of all lengths, more than one batch, an empty one among them.
    let texts: Vec<String> = (0..21).map(|n| format!("Invoice {n} of the customer. ").repeat(n)).collect();
    let vectors = embedder.embed(texts.clone(), Purpose::Passage).await.unwrap();
    assert_eq!(vectors.len(), texts.len());
    for (text, vector) in texts.iter().zip(&vectors) {
        assert_eq!(vector.len(), 384);
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-3, "unit length");
        let alone = one(embedder, text).await;
        assert!(cosine(&alone, vector) > 0.9999, "a vector depends neither on its neighbours nor on the purpose: {text:?}");
    }

    let [owed, open, weather] = [
        one(embedder, "Which invoices has the customer not paid?").await,
        one(embedder, "The customer has two invoices that are not paid.").await,
        one(embedder, "Mountain goats climb steep cliffs.").await,
    ];
    assert!(cosine(&owed, &open) > cosine(&owed, &weather) + 0.3, "shared words are near");

    let head = "ä ".repeat(TEXT_BYTES_MAX);
    let (a, b) = (one(embedder, &head).await, one(embedder, &format!("{head} and a tail")).await);
    assert!(cosine(&a, &b) > 0.9999, "a text counts up to its bound");

    let calls = ["red", "green", "blue"].map(|colour| embedder.embed(vec![colour.to_owned(); 9], Purpose::Passage));
    let [red, green, blue] = calls;
    let (red, green, blue) = tokio::join!(red, green, blue);
    for (colour, vectors) in [("red", red), ("green", green), ("blue", blue)] {
        let expected = one(embedder, colour).await;
        assert!(vectors.unwrap().iter().all(|vector| cosine(vector, &expected) > 0.9999), "everybody gets their own answer");
    }
}
