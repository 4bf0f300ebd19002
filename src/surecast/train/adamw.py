r"""AdamW: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- (1 - r d) w - r m' / (sqrt(v') + e).

g is the gradient, m' = m / (1 - b1^t) and v' = v / (1 - b2^t) the moments without the bias of their start at 0, r the
learning rate and d the decay of the weights (Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019,
Algorithm 2). The arithmetic is torch's own, by its function and not by its class `torch.optim.AdamW`: an optimiser of
that class imports torch's compiler, which takes longer than to train a small network and is not used.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adamw import adamw

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class AdamW:
    """Steps of AdamW on some parameters.

    Parameters
    ----------
    parameters : iterable of Parameter
        What is trained; every step takes their gradients.
    weight_decay : float
        Share of a weight that is taken off in a step, per unit of learning rate.
    """

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float) -> None:
        self.parameters, self.weight_decay = list(parameters), weight_decay
        self._state = {
            # The number of steps is on the CPU: torch reads it at every one.
            "step": [torch.tensor(0.0, dtype=torch.float32) for _ in self.parameters],
            "exp_avg": [torch.zeros_like(one, memory_format=torch.preserve_format) for one in self.parameters],
            "exp_avg_sq": [torch.zeros_like(one, memory_format=torch.preserve_format) for one in self.parameters],
        }

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Take one step; a parameter without a gradient stays as it is."""
        moved = [index for index, one in enumerate(self.parameters) if one.grad is not None]
        state = {key: [values[index] for index in moved] for key, values in self._state.items()}
        gradients = [one.grad for one in self.parameters if one.grad is not None]
        adamw(
            [self.parameters[index] for index in moved],
            gradients,
            state["exp_avg"],
            state["exp_avg_sq"],
            [],
            state["step"],
            has_complex=any(one.is_complex() for one in gradients),
            amsgrad=False,
            beta1=BETA1,
            beta2=BETA2,
            lr=learning_rate,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Moments and numbers of steps, named ``<index of the parameter>.<what>``."""
        return {f"{index}.{key}": value for key, values in self._state.items() for index, value in enumerate(values)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take up what `state_dict` gave."""
        for name, own in self.state_dict().items():
            own.copy_(state[name])
