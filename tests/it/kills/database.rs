//! The database is killed, whole, at random moments of a campaign, and started again. The run goes on:
//! nothing is bought twice, nothing is lost, and nothing is in doubt, since no run was killed.
//! `RUSHES_DATABASE_KILLS` asks for as many as one likes, `RUSHES_KILL_SEED` for the same moments again.

use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use rushes::simulator::Profile;

use super::Simulator;
use super::random::{Seed, asked};
use crate::books::{Truth as _, assert_agreement, assert_clips, assert_no_temporary_file};
use crate::sandbox::Sandbox;
use crate::support::postgres::PostgresServer;

/// How often it is killed unless the test is told otherwise.
const KILLS: usize = 8;
/// How many of them one campaign takes.
const EACH: usize = 12;
const SHOTS: usize = 100;

/// A running `rushes run`; killed if the test fails.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Campaign {
    server: PostgresServer,
    sandbox: Sandbox,
    simulator: Simulator,
}

impl Campaign {
    fn new(seed: u64) -> Self {
        let numbers: Vec<String> = (1..=SHOTS).map(|n| n.to_string()).collect();
        let manifest = format!(
            "campaign: night\nbudget: 50\nlimits: {{rate: 40/s, poll_every: 20ms, poll_rate: 200/s}}\n\
             defaults: {{model: kling-v2-6, duration: 10}}\nshots:\n  - id: scene\n    \
             matrix: {{n: [{}]}}\n    prompt: \"scene {{{{ n }}}}\"\n",
            numbers.join(", ")
        );
        let server = PostgresServer::start();
        let sandbox = Sandbox::new()
            .manifest(&manifest)
            .var("KLING_API_KEY", "secret-key")
            .var("RUSHES_LEDGER", &server.address("rushes"));
        let simulator = Simulator::start(&sandbox, Profile::Calm, seed, "1ms..200ms");
        Self { server, sandbox, simulator }
    }

    fn start(&self) -> Run {
        let url = self.simulator.url();
        let mut command = self.sandbox.command(&["run", "shots.yaml", "--api-base", &url]);
        let log = std::fs::File::create(self.sandbox.path("last.log")).unwrap();
        Run(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// Whether a run that ended has done everything. One that found no database at its start, or none
    /// for its summary, says so and is run again.
    fn is_done(&self, status: ExitStatus) -> bool {
        let log = std::fs::read_to_string(self.sandbox.path("last.log")).unwrap();
        match status.code() {
            Some(0) => true,
            Some(2 | 3) if log.contains("postgres://") => false,
            _ => panic!("{status}\n{log}"),
        }
    }

    /// Runs to the end, with so many kills of the database if it lasts so long; answers how many.
    fn run_through(&mut self, kills: usize, chance: &mut fastrand::Rng) -> usize {
        let mut done = 0;
        let mut run = self.start();
        loop {
            if done < kills {
                std::thread::sleep(Duration::from_millis(chance.u64(20..500)));
                self.server.kill();
                std::thread::sleep(Duration::from_millis(chance.u64(0..300)));
                self.server.begin();
                done += 1;
            }
            let ended =
                if done < kills { run.0.try_wait().unwrap() } else { Some(run.0.wait().unwrap()) };
            match ended {
                Some(status) if self.is_done(status) => return done,
                Some(_) => run = self.start(),
                None => {}
            }
        }
    }

    fn assert_books(&self) {
        let books = self.simulator.books();
        self.server.assert_sound();
        let folder = self.sandbox.path("renders/night");
        assert_clips(&folder, &self.server);
        assert_no_temporary_file(&folder);
        let agreement = assert_agreement(&self.server, &books);
        assert_eq!((agreement.known, agreement.unknown), (SHOTS, 0));
        assert_eq!(agreement.in_doubt_for_nothing, 0);
        assert_eq!(books.purchases.len(), SHOTS, "each shot is bought once");
    }
}

#[test]
fn random_kills_of_the_database_lose_nothing_and_leave_nothing_in_doubt() {
    let count = asked("RUSHES_DATABASE_KILLS").unwrap_or(KILLS);
    let seed = Seed(asked("RUSHES_KILL_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32)));
    let mut chance = fastrand::Rng::with_seed(seed.0);
    let mut done = 0;
    while done < count {
        let mut campaign = Campaign::new(chance.u64(..1 << 32));
        done += campaign.run_through(EACH.min(count - done), &mut chance);
        campaign.assert_books();
    }
}
