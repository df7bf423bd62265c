"""The methods that papers compare with, one file each, trained and measured by the same commands as the systems.

They are written from their papers: networks, losses and optimisers as printed, the sizes of frames and clips as
arguments. What they share, drawing clips from noise, is in `video_gan.py`. Two of them also start from a picture, as in
ImaGINator's tables (`vgan_picture.py`, `mocogan_picture.py`); what these share is in `picture_gan.py`.
"""
