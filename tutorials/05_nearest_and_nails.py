# %% [markdown]
# # Growing back: nearest neighbour and bed of nails
#
# Pooling has made the map small. The answer must be as large as the photo. **Where does each value go?**
#
# Take a map of 2 x 2 numbers that has to become 4 x 4. Each number gets a window of four pixels. There are two
# simple ways to fill it.

# %% Four numbers, copied over their windows on the left and set into their corners on the right tags=["picture"]
import numpy as np

from zoo import plots

small = np.array([[1, 2], [3, 4]], "float32")
copied = small.repeat(2, axis=0).repeat(2, axis=1)
nails = np.zeros((4, 4), "float32")
nails[::2, ::2] = small
plots.draw_grids({"small": small, "nearest neighbour": copied, "bed of nails": nails}, windows=(2, 2))

# %% [markdown]
# **Nearest neighbour** copies the number into all four pixels. **Bed of nails** puts it into the upper-left pixel and
# leaves zeros: nails on a board.
#
# ## By hand
#
# Both are a loop over the small map.


# %%
def nearest_by_hand(values, pool=2):
    height, width = values.shape
    large = np.zeros((height * pool, width * pool), values.dtype)
    for row in range(height * pool):
        for column in range(width * pool):
            large[row, column] = values[row // pool, column // pool]
    return large


print(nearest_by_hand(small))
assert (nearest_by_hand(small) == copied).all()

# %% [markdown]
# !!! question "Try it"
#     Write `nails_by_hand`. Which pixels of the large map does it touch?


# %% tags=["solution"]
def nails_by_hand(values, pool=2):
    height, width = values.shape
    large = np.zeros((height * pool, width * pool), values.dtype)
    for row in range(height):
        for column in range(width):
            large[row * pool, column * pool] = values[row, column]
    return large


assert (nails_by_hand(small) == nails).all()

# %% [markdown]
# A formula for later: \(y_{i,j} = x_{\lfloor i/2 \rfloor, \lfloor j/2 \rfloor}\).
