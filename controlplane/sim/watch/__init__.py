"""The watchers: every rule that the contract says is always kept, looked for in the truth at each step of each run.

Why: a rule that is tested by the code that decides is tested by itself. May live here: watchers that look at the truth,
at acts as they are executed, at who holds the lease and at the journal. May not: anything that a decision is made with;
where a rule is "against the evidence held then", a watcher goes by what anybody could have seen in the last seconds,
and gives the benefit of the doubt.
"""
