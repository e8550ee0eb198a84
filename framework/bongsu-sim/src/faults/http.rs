//! The outside world behind faults: a request may be lost, its answer may be lost, or it may arrive too late.

use std::{fmt, sync::Arc, time::Duration};

use bongsu_runtime::ports::{
    Fut,
    env::{Env, HttpClient, HttpError, HttpRequest, HttpResponse},
};
use futures::future::{Either, select};
use tokio::sync::oneshot;

use crate::{
    faults::port::{Fate, Trip},
    kernel::{
        core::Core,
        env::SimEnv,
        part::{Kind, PartId},
    },
};

/// What an outside party does with a request that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimAnswer {
    /// Answers at once.
    Now(HttpResponse),
    /// Answers after a while, perhaps past the caller's deadline.
    After(Duration, HttpResponse),
    /// Took it and never answers.
    Hang,
}

/// How an outside party answers.
pub(crate) type Answering = Arc<dyn Fn(&HttpRequest, Duration) -> SimAnswer + Send + Sync>;

/// An outside party as the world sees it.
#[derive(Clone)]
pub struct SimHttp {
    core: Arc<Core>,
    part: PartId,
    name: &'static str,
    answering: Answering,
}

struct Client {
    world: SimHttp,
    env: Arc<SimEnv>,
}

impl SimHttp {
    pub(crate) fn new(core: &Arc<Core>, name: &'static str, answering: Answering) -> Self {
        Self { core: core.clone(), part: core.add_part(Kind::Http, name), name, answering }
    }

    /// The outside party as one incarnation of a node reaches it.
    pub fn client(&self, env: &Arc<SimEnv>) -> Arc<dyn HttpClient> {
        Arc::new(Client { world: self.clone(), env: env.clone() })
    }

    /// Makes every request fail for so long.
    pub fn take_down(&self, how_long: Duration) {
        self.core.take_down(self.part, how_long);
    }

    /// A request has arrived: it takes effect now, whatever becomes of its answer.
    async fn arrive(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let now = Duration::from_nanos(self.core.lock().now);
        match (self.answering)(request, now) {
            SimAnswer::Now(response) => Some(response),
            SimAnswer::After(how_long, response) => {
                self.core.wait(&self.core.world, how_long).await;
                Some(response)
            }
            SimAnswer::Hang => None,
        }
    }

    fn no_answer(&self, why: &str) -> HttpError {
        HttpError(format!("{}: {why}", self.name))
    }
}

impl Client {
    /// Sends a request on its way; it arrives whether or not its sender still waits.
    fn request(&self, request: HttpRequest, trip: Trip) -> oneshot::Receiver<Result<HttpResponse, HttpError>> {
        let (reply, answer) = oneshot::channel();
        let (world, env) = (self.world.clone(), self.env.clone());
        let core = world.core.clone();
        core.clone().on_its_way("http", async move {
            core.wait(&core.world, trip.there).await;
            if !core.survives(&env.life) {
                return;
            }
            let mut reply = Some(reply);
            let mut hang_up = || reply.take().map(|reply| reply.send(Err(world.no_answer("connection reset"))));
            match trip.fate {
                Fate::Refused => {
                    hang_up();
                    return;
                }
                // The sender waits for its deadline: the reply is kept, unsent, until then.
                Fate::Lost => return core.wait(&core.world, request.deadline).await,
                Fate::Late => {
                    hang_up();
                    core.wait(&core.world, core.slowly(Kind::Http)).await;
                }
                Fate::Fine | Fate::AckLost | Fate::Partial => {}
            }
            let response = world.arrive(&request).await;
            // The sender may die here: after it took effect, before the answer.
            env.step("http.send.applied");
            let answer = match (trip.fate, response) {
                (Fate::Fine, Some(response)) => Ok(response),
                (Fate::Fine, None) => return core.wait(&core.world, request.deadline).await,
                _ => Err(world.no_answer("connection reset")),
            };
            core.wait(&core.world, trip.back).await;
            // Nobody waits when the sender has died or given up.
            let _unheard = reply.map(|reply| reply.send(answer));
        });
        answer
    }
}

impl HttpClient for Client {
    fn send(&self, request: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            self.env.pass("http.send.before").await;
            let deadline = self.env.sleep(request.deadline);
            let trip = self.world.core.trip(&self.env.life, self.world.part);
            let result = match select(self.request(request, trip), deadline).await {
                Either::Left((Ok(result), _)) => result,
                Either::Left((Err(_), _)) => Err(self.world.no_answer("connection reset")),
                Either::Right(_) => Err(self.world.no_answer("deadline passed")),
            };
            self.env.pass("http.send.after").await;
            result
        })
    }
}

impl fmt::Debug for SimHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimHttp({})", self.name)
    }
}
