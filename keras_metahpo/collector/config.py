"""How much of a task is collected."""

from dataclasses import dataclass

# One configuration of so many is trained from several seeds, the default one first.
REPEATED_ONE_OF = 10


@dataclass(frozen=True)
class PlanConfig:
    """How many configurations of a task, and which.

    Attributes:
        num_configurations: All in all, the default one included.
        group_size: Configurations that share their structure, where there is something to share.
        proposed_share: Part of them that a Gaussian process proposes from the others' results.
        num_rounds: Rounds of proposals, each after the results of the round before.
        num_seeds: Trainings of every tenth configuration, each from another seed.
        seed: Of everything.
    """

    num_configurations: int = 200
    group_size: int = 5
    proposed_share: float = 0.4
    num_rounds: int = 4
    num_seeds: int = 3
    seed: int = 0

    @property
    def num_proposed(self) -> int:
        return int(self.proposed_share * self.num_configurations)

    @property
    def num_trials(self) -> int:
        """About how many trainings."""
        repeated = self.num_configurations // REPEATED_ONE_OF
        return self.num_configurations + repeated * (self.num_seeds - 1)
