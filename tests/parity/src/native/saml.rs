//! `postern-saml`: messages at `/samlsso`.
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use postern_refusal::Refusal;
use postern_saml::{
    EdgeRelyingParty, Incoming, Judged, Policy, RelyingParty, judge as judge_message, read_registration,
};
use postern_vectors::{Keys, Request, Vector, Verdict, registry};

use crate::{AwsVerifier, BASE_URL, now, verdict};

/// The relying parties of the standard registry, as the edge knows them.
///
/// # Panics
/// When one can't be read.
pub fn relying_parties(base_url: &str) -> Vec<EdgeRelyingParty> {
    registry(Keys::shared(), base_url)
        .into_iter()
        .filter(|registration| registration.module == "saml2")
        .map(|registration| {
            RelyingParty::from_json(registration.settings.to_string().as_bytes())
                .unwrap_or_else(|refusal| panic!("{}: {refusal}", registration.identifier))
                .edge()
        })
        .collect()
}

/// The verdict on the vector's last request, with a memory of those before.
pub fn judge(vector: &Vector) -> Verdict {
    let parties: BTreeMap<_, _> = relying_parties(BASE_URL)
        .into_iter()
        .map(|party| (party.entity_id.clone(), Rc::new(party)))
        .collect();
    let policy = Policy::for_destination(&format!("{BASE_URL}/samlsso"));
    let now = now();
    let mut remembered = BTreeSet::new();
    let judge_one = |request: &Request| {
        let lookup = |entity_id: &str| Ok(parties.get(entity_id).cloned());
        let judged = judge_message(incoming(request), &lookup, &policy, now, &AwsVerifier)?;
        if let Judged::AuthnRequest(request) = judged
            && !remembered.insert(request.replay_key())
        {
            return Err(request.replayed());
        }
        Ok(())
    };
    let requests = vector.materialise(Keys::shared(), now, BASE_URL, 1);
    let last: Option<Result<(), Refusal>> = requests.iter().map(judge_one).last();
    verdict(last.expect("a request"))
}

fn incoming(request: &Request) -> Incoming<'_> {
    let query = request.query().as_bytes();
    if request.method == "POST" {
        Incoming::Post { query, content_type: request.header("content-type"), body: &request.body }
    } else {
        Incoming::Get(query)
    }
}

/// The verdict on the registration in the vector's body.
///
/// # Panics
/// When the vector is no good.
pub fn judge_metadata(vector: &Vector) -> Verdict {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    verdict(read_registration(&requests.last().expect("a request").body, now()))
}
