# Low-rank adapters in every block of SAM's image encoder, which stays frozen otherwise (reference: rank 4, alpha 4).
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(sam=dict(lora=dict(rank=4, alpha=4.0, dropout=0.0))))
