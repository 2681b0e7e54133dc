//! nginx under load for minutes: reloads, a worker that is killed, upgrades, a graceful end.
//!
//! What is demanded: no request is lost or judged otherwise than it should be, but for those that a
//! killed worker had; the error log has nothing that the traffic does not explain; and neither the
//! master over all reloads nor the workers over the steady half grow. The figures are printed.

mod errors;
mod measure;
mod site;
mod traffic;
mod watch;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use errors::Ledger;
use measure::{Sample, Samples};
use site::Site;
use traffic::Traffic;

/// nginx with the guards under mixed good and hostile traffic, for minutes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask soak --proxy nginx
  cargo xtask soak --proxy nginx --minutes 2 --reloads 20")]
pub(crate) struct Arguments {
    /// The proxy: nginx is the only one so far.
    #[arg(long, default_value = "nginx", value_parser = ["nginx"])]
    proxy: String,
    /// Minutes in all: the first half with the reloads, the second without.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Reloads in the first half.
    #[arg(long, default_value_t = 200)]
    reloads: u32,
    /// Workers of nginx.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Clients that send at the same time.
    #[arg(long, default_value_t = 3)]
    clients: usize,
}

/// A killed worker each so many reloads.
const KILL_EACH: u32 = 25;
/// Upgrades of the running program.
const UPGRADES: u32 = 2;
/// Between two looks at the memory.
const LOOK: Duration = Duration::from_secs(5);
/// What a process may grow by, in KiB, and still be called flat: a page table, a heap's rounding.
const FLAT: i64 = 4 * 1024;

pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    if arguments.minutes == 0 || arguments.workers == 0 || arguments.clients == 0 {
        return Err("--minutes, --workers and --clients: 1 at least".into());
    }
    let half = Duration::from_secs(arguments.minutes * 30);
    let site = Site::start(arguments.workers)?;
    let ledger = Arc::new(Ledger::default());
    let mut traffic = Traffic::to(&site);
    traffic.wait_for_keys()?;
    traffic.flow(&ledger, arguments.clients);
    println!("{} with {} workers, {} clients", arguments.proxy, arguments.workers, arguments.clients);
    println!("{}", Sample::HEAD);

    let begun = Instant::now();
    let mut reloading = Samples::default();
    reloading.look(&site, &ledger);
    for count in 1..=arguments.reloads {
        if count % KILL_EACH == 0 {
            site.kill_a_worker(&ledger)?;
        }
        site.reload()?;
        let due = half.mul_f64(f64::from(count) / f64::from(arguments.reloads));
        thread::sleep(due.saturating_sub(begun.elapsed()));
        if count % KILL_EACH == KILL_EACH / 2 {
            reloading.look(&site, &ledger);
        }
    }
    site.wait_until_old_workers_are_gone()?;
    reloading.look(&site, &ledger);
    println!("{} reloads in {:.0} s", arguments.reloads, begun.elapsed().as_secs_f64());
    for _ in 0..UPGRADES {
        site.upgrade()?;
    }
    println!("{UPGRADES} upgrades (USR2, WINCH, QUIT)");

    let steady = Instant::now();
    let mut samples = Samples::default();
    while steady.elapsed() < half {
        thread::sleep(LOOK);
        samples.look(&site, &ledger);
    }
    // A graceful end, with requests on their way.
    ledger.ending();
    site.signal(Signal::QUIT)?;
    site.wait_for_the_end()?;
    traffic.end();
    verdict(&site, &ledger, &reloading, &samples)
}

fn verdict(site: &Site, ledger: &Ledger, reloading: &Samples, steady: &Samples) -> Result<(), String> {
    println!("\n{}", ledger.summary());
    let mut problems = ledger.problems();
    problems.extend(errors::unexplained(&site.log()));
    let master = reloading.growth_of_master();
    println!("master over all reloads: {master:+} KiB, descriptors {:+}", reloading.descriptors_of_master());
    let workers = steady.growth_of_workers();
    println!(
        "workers over the steady half: {workers:+} KiB, descriptors {:+}",
        steady.descriptors_of_workers()
    );
    println!("shared mappings of the master: {:+}", reloading.mappings_of_master());
    if master > FLAT {
        problems.push(format!("the master grew by {master} KiB"));
    }
    if workers > FLAT {
        problems.push(format!("the workers grew by {workers} KiB"));
    }
    if reloading.descriptors_of_master() > 0 || reloading.mappings_of_master() > 0 {
        problems.push("the master keeps descriptors or shared memory over reloads".into());
    }
    if problems.is_empty() {
        println!("nothing lost, nothing leaked");
        return Ok(());
    }
    Err(problems.join("\n"))
}
