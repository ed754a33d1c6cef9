"""What the monitoring of the demo would have recorded, had it run before: incidents, actions, objectives, costs.

`incidents` invents the incidents; `samples`, `objectives` and `work` make samples of them and of the generated logs;
`journal` writes the receiver's episodes.
"""
