"""Artifacts: files that agents hand to each other. A service stores their manifests (metadata), never the contents.

with Agent("grok") as agent:
    agent.artifacts.trace("sprint-12", members=["gimai"])
    with agent.artifacts.step("sprint-12", "plan"):
        plan = agent.artifacts.put("# Plan", "plan", trace="sprint-12", step="plan")
    agent.artifacts.read(plan.id)
"""
