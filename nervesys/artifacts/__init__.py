"""Artifacts: what agents hand to each other. Contents are files; manifests, which point at them, lie with a service.

with Agent("grok") as agent:
    agent.artifacts.trace("sprint-12", members=["gimai"])
    with agent.artifacts.step("sprint-12", "plan"):
        plan = agent.artifacts.put("# Plan", "plan", trace="sprint-12", step="plan")
    agent.artifacts.read(plan.id)
"""
