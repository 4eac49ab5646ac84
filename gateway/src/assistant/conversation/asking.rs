//! One reply of whoever can give one: a model, on the asker's account, or the planner.

use super::super::calls::Findings;
use super::Turn;
use super::speech::Speech;
use crate::models::{Asked, Payer, Why};
use steward_kernel::{Code, Error, Result};
use steward_llm::{ChatRequest, Collector, Delta, Reply, Target};

/// Who answers, over all calls of the turn.
pub(super) struct Served {
    pub(super) payer: Payer,
    /// The planner has taken over: a turn does not go back and forth.
    pub(super) by_planner: bool,
    /// Another model than the preferred one answered.
    by_stand_in: bool,
    /// Why the planner has.
    why: Why,
}

impl Served {
    pub(super) fn on(payer: Payer) -> Self {
        Self { payer, by_planner: false, by_stand_in: false, why: Why::Away }
    }
}

impl Turn<'_> {
    /// One reply. One that breaks off is asked of the planner instead, as long as nothing was shown.
    pub(super) async fn ask_model(
        &self,
        request: &ChatRequest,
        served: &mut Served,
        speech: &mut Speech,
        findings: &mut Findings,
        language: &str,
    ) -> Result<Reply> {
        if !served.by_planner {
            match self.ask_models(request, served, speech, findings, language).await? {
                Ok(reply) => return Ok(reply),
                Err(why) => served.why = why,
            }
            served.by_planner = true;
            self.announce(served, speech, language);
        }
        speech.interrupted();
        findings.evidence.trust();
        let target = Target::default();
        let planned = async { self.state().planner.chat(target.attempt(request)).await?.into_reply().await };
        let reply = planned.await.map_err(|error| Error::internal("the planner failed").with_source(error))?;
        speech.push(&reply.text());
        Ok(reply)
    }

    async fn ask_models(
        &self,
        request: &ChatRequest,
        served: &mut Served,
        speech: &mut Speech,
        findings: &mut Findings,
        language: &str,
    ) -> Result<std::result::Result<Reply, Why>> {
        let mut asked = match served.payer.ask(request).await {
            Ok(asked) => asked,
            Err(why) => return Ok(Err(why)),
        };
        served.by_planner |= asked.is_last_resort;
        served.by_stand_in |= asked.degraded;
        self.announce(served, speech, language);
        if served.by_planner {
            findings.evidence.trust();
        }
        let reply = self.listen(&mut asked, speech, findings).await?;
        if let Ok(reply) = &reply {
            self.recorder.used(&asked.provider, reply.usage);
        }
        let why = asked.end(&reply);
        let error = match reply {
            Ok(reply) => return Ok(Ok(reply)),
            Err(error) => error,
        };
        tracing::warn!(kind = error.kind().code(), "a model did not answer; the planner does");
        if speech.has_begun() {
            let broken = Error::new(Code::Busy, "the answer broke off here; ask again for the rest");
            return Err(broken.because("assistant.cut_off"));
        }
        Ok(Err(why))
    }

    /// Reads a reply to its end. Behind a look-up its words are an answer, of which each sentence is told when it is whole;
    /// before one they mostly announce what is looked up, and wait.
    async fn listen(&self, asked: &mut Asked, speech: &mut Speech, findings: &mut Findings) -> Result<std::result::Result<Reply, steward_llm::Error>> {
        let mut collector = Collector::default();
        let mut calls = false;
        while let Some(chunk) = asked.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return Ok(Err(error)),
            };
            for delta in &chunk.deltas {
                collector.add(delta);
                calls |= matches!(delta, Delta::ToolCall { .. });
                if let Delta::Text(text) | Delta::Refusal(text) = delta {
                    speech.push(text);
                    if findings.calls > 0 && !calls {
                        self.speak(speech, findings, false).await?;
                    }
                }
            }
        }
        Ok(collector.finish())
    }

    pub(super) fn is_degraded(&self, served: &Served) -> bool {
        let state = self.state();
        // Where models are not for the tenant, the planner is the usual one.
        served.by_stand_in || served.by_planner && served.why != Why::Excluded && state.models.live().snapshot().alias(&state.config.assistant.alias).is_some()
    }

    /// Says that another one answers: before the first words, or behind an answer that it goes on with.
    fn announce(&self, served: &Served, speech: &mut Speech, language: &str) {
        match self.degraded_notice(served, language) {
            Some(notice) if speech.has_begun() && served.by_planner => speech.say(&notice),
            notice => speech.lead = notice,
        }
    }

    /// The sentence that says that the usual model did not answer.
    fn degraded_notice(&self, served: &Served, language: &str) -> Option<String> {
        let id = match (served.by_planner, served.why) {
            (true, Why::Away | Why::Excluded) => "assistant-degraded",
            (true, Why::Limited) => "assistant-limited",
            (true, Why::Withheld) => "assistant-withheld",
            (true, Why::Unpriced) => "assistant-unpriced",
            (false, _) => "assistant-stand-in",
        };
        self.is_degraded(served).then(|| self.labels().text(language, id).into_owned())
    }
}
