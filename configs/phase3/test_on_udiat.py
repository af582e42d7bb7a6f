# A test alone: UDIAT ("Dataset B", Yap et al. 2018, 163 images), which no model of this toolkit trains on.
# python tools/test.py configs/phase3/test_on_udiat.py work_dirs/ultrarefiner_busi_fold0/best.pth
_base_ = "./ultrarefiner_busi_fold0.py"
data_root = "{{$ULTRAREF_DATA:data}}/udiat"
test_dataloader = dict(dataset=dict(data_root=data_root))
made_by = {data_root: "python tools/dataset_converters/udiat.py SRC " + data_root}
train_dataloader = train_cfg = optim_wrapper = param_scheduler = None
val_dataloader = val_cfg = val_evaluator = None
