# %% [markdown]
# # What came after
#
# The U-Net is of 2015. Networks of today look very different. **What do they remember on their way down?** Asked like
# this, they are relatives of the nine stages: each has a `down`, a memory and an `up`. This page draws five of them in
# one way. None was trained here; what is said of them is from their papers.

# %% Two stages as schemes: a way down in orange, a way up in blue, dashed arrows for what goes across tags=["picture"]
import numpy as np

from zoo.schemes import draw_schemes

draw_schemes(
    {
        "max_unpooling (offsets across)": (
            [1, 2, 4, 8, 16],
            [8, 4, 2, 1],
            [(1, 1), (2, 2), (4, 4), (8, 8)],
        ),
        "transposed_convolution": ([1, 2, 4, 8, 16], [8, 4, 2, 1], []),
    }
)

# %% [markdown]
# Each square is a map. The lower it stands, the smaller it is: its **output stride** says how many pixels of the photo
# are one step in the map. Orange is the way down, blue the way up. A dashed arrow is a memory.
#
# ## Output stride and dilation: do not go down so far
#
# Memories are needed because so much is lost on the way down. Then why go down to 16 or 32? For the view: far down, a 3
# x 3 kernel sees much of the photo. But there is another way to see far, and the [sliding
# window](02_sliding_window.md#the-same-answer-without-cutting-patches) had it: **dilation**. Leave the stride out, and
# let the taps of all later kernels stand twice as far apart. The map stays large, and at every second place it holds
# the same numbers as before. In one dimension:

# %%
rng = np.random.default_rng(0)
photo, first, second = rng.normal(size=64), rng.normal(size=3), rng.normal(size=3)


def convolve(signal, kernel, stride=1, dilation=1):
    spread = np.zeros((len(kernel) - 1) * dilation + 1)
    spread[::dilation] = kernel
    return np.correlate(signal, spread)[::stride]


strided = convolve(convolve(photo, first, stride=2), second)
dilated = convolve(convolve(photo, first), second, dilation=2)
assert np.allclose(dilated[::2], strided)
print(f"with a stride {len(strided)} numbers, with dilation {len(dilated)}, of which every second is the same")

# %% [markdown]
# The new numbers between are what a way up would have to guess. The price: in two dimensions, each later layer has four
# times as many pixels. So the first networks of this kind stopped at an output stride of 8, and left the rest to
# bilinear interpolation (DeepLab: Chen et al., 2014; Yu and Koltun, 2015).
#
# ## ASPP: several views at once
#
# An object may fill the photo or a corner of it. How far should a kernel see? DeepLab (Chen et al., 2016 and 2017) asks
# several at the same time: on the last map stand 3 x 3 convolutions side by side, each with another dilation; version 2
# adds their results up; version 3 takes 6, 12 and 18, beside a 1 x 1 convolution and a mean over the whole map, and
# joins all results. This is *atrous spatial pyramid pooling*, **ASPP**.

# %% DeepLab: down to 16, where it stays; version 3 up in one step, version 3+ with one memory at 4 tags=["picture"]
draw_schemes(
    {
        "DeepLab v3": ([1, 2, 4, 8, 16, 16, 16], [1], []),
        "DeepLab v3+": ([1, 2, 4, 8, 16, 16, 16], [4, 1], [(4, 4)]),
    }
)

# %% [markdown]
# - **Down**: strides to 16, then dilation, and ASPP at the end.
# - **Memory**: in version 3 nothing; in version 3+ the features at stride 4, made narrow by a 1 x 1 convolution.
# - **Up**: in version 3 bilinear, to full size at once; in version 3+ bilinear by 4, joined, convolved, bilinear by 4.
#
# Version 3 remembers nothing, since it forgets less. Eight months later, version 3+ took one memory back, to refine the
# answer "especially along object boundaries": the idea of the U-Net, at one level alone.
#
# ## FPN: an answer at every level
#
# A *feature pyramid network* (Lin et al., 2016) was made for finding objects, large ones on small maps and small ones
# on large maps. Its shape is that of the U-Net. The differences are small: what is handed across is made equally wide
# by a 1 x 1 convolution and **added**, not joined; growing is nearest neighbour; and each level of the way up gives an
# answer.

# %% FPN: down to 32, up to 4, features handed across at each level tags=["picture"]
draw_schemes({"FPN": ([1, 2, 4, 8, 16, 32], [16, 8, 4], [(16, 16), (8, 8), (4, 4)])})

# %% [markdown]
# - **Down**: a ResNet, to stride 32.
# - **Memory**: the features of each level from stride 4 on, made equally wide.
# - **Up**: nearest neighbour by 2, added to the memory, then a 3 x 3 convolution; one head, shared by all levels,
#   answers on each.
#
# Why add, and not join? The [U-Net's page](08_unet.md#by-hand) asks that, too: to add is to join, with less freedom and
# at a lower price. And the 3 x 3 convolution after each addition is there, as the paper says, to reduce the aliasing of
# the upsampling: see the [page on signals](11_signals.md#on-the-way-up-copies). For a semantic answer, all levels are
# grown to stride 4 and added up (Kirillov et al., 2019).
#
# ## SegFormer: remember all, then one step
#
# In a plain *transformer*, each place of a map may look at every other place: it sees the whole photo from its first
# layer on. The encoder of SegFormer (Xie et al., 2021) is a transformer with four levels. It begins with patches of 7 x
# 7 pixels, four pixels apart, so that the finest map that it has is at stride 4.

# %% SegFormer: down to 4, 8, 16 and 32; all four levels go to one map at stride 4 tags=["picture"]
draw_schemes({"SegFormer": ([4, 8, 16, 32], [4, 1], [(4, 4), (8, 4), (16, 4)])})

# %% [markdown]
# - **Down**: patches that overlap, and attention, at strides 4, 8, 16 and 32.
# - **Memory**: the features of all four levels.
# - **Up**: each level bilinear to stride 4, all joined, mixed for each pixel alone (1 x 1); then the logits grow by 4.
#
# There is no staircase up. The authors give the reason: their encoder sees so far that a plain way up is enough.
#
# ## Promptable models: remember the photo
#
# *Segment Anything* (SAM; Kirillov et al., 2023) asks another question. Not "which class has each pixel?", but "which
# pixels belong to the thing that I point at?" A click, a box or a rough mask is the **prompt**, and the answer is a
# mask, without the name of a class. The encoder is a plain vision transformer: it cuts the photo into patches of 16 x
# 16 pixels, and stays at stride 16.

# %% SAM: down to 16 in one step, where it stays; up to 4, and from there to 1 tags=["picture"]
draw_schemes({"SAM": ([16, 16, 16, 16], [8, 4, 1], [])})

# %% [markdown]
# - **Down**: patches of 16 x 16, then attention, all at one size: within windows, and in four layers over the whole
#   map.
# - **Memory**: nothing goes across. But the last map itself is kept, for all prompts.
# - **Up**: attention between prompt and map, two transposed convolutions to stride 4, and bilinear from there.
#
# Here memory has another meaning. The encoder is large and slow, and does not know the prompt. It runs *once* for a
# photo, and its last map is kept. Each click needs the small decoder alone. And the way up? Two transposed convolutions
# of stride 2, as in our stage `transposed_convolution`. SAM 2 (Ravi et al., 2024) works on videos. Its encoder has
# levels again, whose features at strides 4 and 8 are handed across; and it remembers earlier frames, to know the thing
# again.
#
# ## What stayed
#
# Ten years, and the question is still the one of the lecture: what was lost on the way down, and who tells the way up?
#
# | answer | who gives it |
# | --- | --- |
# | Nobody: it is guessed, or learned. | `nearest_unpooling`, `transposed_convolution`; DeepLab v3, SAM |
# | The way down tells the places. | `index_unpooling`, `max_unpooling` |
# | The way down hands features across. | `unet`; FPN, DeepLab v3+, SegFormer, SAM 2 |
# | Less is lost. | `fully_convolutional`; in part, DeepLab |
#
# The places alone, the lecture's middle steps, are in none of these: whoever remembers, remembers features.
#
# ## References
#
# - Liang-Chieh Chen et al.: *Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs*
#   (DeepLab), 2014. [arXiv:1412.7062](https://arxiv.org/abs/1412.7062). Version 2, with ASPP, 2016:
#   [arXiv:1606.00915](https://arxiv.org/abs/1606.00915). Version 3, 2017:
#   [arXiv:1706.05587](https://arxiv.org/abs/1706.05587). Version 3+, 2018:
#   [arXiv:1802.02611](https://arxiv.org/abs/1802.02611).
# - Fisher Yu, Vladlen Koltun: *Multi-Scale Context Aggregation by Dilated Convolutions*, 2015.
#   [arXiv:1511.07122](https://arxiv.org/abs/1511.07122)
# - Tsung-Yi Lin et al.: *Feature Pyramid Networks for Object Detection*, 2016.
#   [arXiv:1612.03144](https://arxiv.org/abs/1612.03144). For semantic answers: Alexander Kirillov et al., *Panoptic
#   Feature Pyramid Networks*, 2019, [arXiv:1901.02446](https://arxiv.org/abs/1901.02446).
# - Enze Xie et al.: *SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers*, 2021.
#   [arXiv:2105.15203](https://arxiv.org/abs/2105.15203)
# - Alexander Kirillov et al.: *Segment Anything*, 2023. [arXiv:2304.02643](https://arxiv.org/abs/2304.02643). SAM 2:
#   Nikhila Ravi et al., 2024, [arXiv:2408.00714](https://arxiv.org/abs/2408.00714).
