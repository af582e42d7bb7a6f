# configs/phase3/ultrarefiner.py on BUSI, fold 0, under the name that people type.
_base_ = "./ultrarefiner.py"
alias = dict(set="busi", fold=0)
