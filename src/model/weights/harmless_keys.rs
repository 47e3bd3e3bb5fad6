//! The keys of `config.json` that never change what a model computes from a text, whatever their value.

/// Whether a key of `config.json` or `generation_config.json` never changes what a model computes from a text.
pub(crate) fn is_harmless(key: &str) -> bool {
    let listed = [FILE, TRAINING, TASKS, OUTPUT, IGNORED, GENERATION].iter();
    listed.into_iter().any(|keys| keys.contains(&key))
        || HARMLESS_STARTS.iter().any(|start| key.starts_with(start))
        || HARMLESS_ENDS.iter().any(|end| key.ends_with(end))
}

/// Facts about the file, about where it is from, and about how fast to compute.
const FILE: &[&str] = &[
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_attn_implementation_internal",
    "_commit_hash",
    "_diffusers_version",
    "_experts_implementation",
    "_experts_implementation_internal",
    "_flash_attn_2_enabled",
    "_from_model_config",
    "_name_or_path",
    "_num_labels",
    "_original_object_hash",
    "architectures",
    "attn_implementation",
    "auto_map",
    "base_model_pp_plan",
    "base_model_tp_plan",
    "bf16",
    "chunk_size_feed_forward",
    "custom_pipelines",
    "dtype",
    "enable_attention_fp32_softmax",
    "enable_lm_head_fp32",
    "experts_implementation",
    "fp16",
    "fp32",
    "is_composition",
    "is_encoder_decoder",
    "is_llama_config",
    "library_name",
    "license",
    "model_max_length",
    "model_parallel",
    "model_type",
    "name_or_path",
    "pipeline_tag",
    "pretraining_tp",
    "processor_class",
    "tags",
    "tokenizer_class",
    "tokenizer_model_max_length",
    "tokenizer_padding_side",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "trl",
    "trust_remote_code",
    "use_bfloat16",
    "use_cache",
    "use_flash_attention",
    "use_flash_attention_2",
    "use_flash_attn",
];

/// Settings of training: first values, losses, what is dropped at random.
const TRAINING: &[&str] = &[
    "attn_pdrop",
    "ep_size",
    "gradient_checkpointing",
    "ignore_index",
    "init_method",
    "init_method_std",
    "init_std",
    "initializer_factor",
    "initializer_range",
    "keys_to_ignore_at_inference",
    "label_smoothing",
    "loss_type",
    "max_sequence_length",
    "neftune_noise_alpha",
    "pad_vocab_size_multiple",
    "replacing_rate",
    "resid_pdrop",
    "save_step",
    "seq_length",
    "teacher",
    "tf_legacy_loss",
    "use_gradient_checkpointing",
    "use_reentrant_checkpointing",
];

/// Settings of other tasks than writing: classes, pooling, prompts of pipelines.
const TASKS: &[&str] = &[
    "add_classification_head",
    "class_num",
    "finetuning_task",
    "id2label",
    "label2id",
    "num_choices",
    "num_labels",
    "pool_type",
    "prefix",
    "problem_type",
    "skip_cls_token",
    "task_specific_params",
];

/// Keys about the values that transformers returns besides the ids, and about their form.
const OUTPUT: &[&str] = &[
    "output_past",
    "output_router_logits",
    "return_dict",
    "tie_last_hidden_states",
    "use_return_dict",
];

/// Keys that transformers' class of the same model does not read either, or reads under another name.
const IGNORED: &[&str] = &[
    // BART's family: which layers have norms is fixed for each class.
    "add_bias_logits",
    "add_final_layer_norm",
    "do_blenderbot_90_layernorm",
    "extra_pos_embeddings",
    "normalize_before",
    "normalize_embedding",
    "static_position_embeddings",
    // Names of other classes for `d_model`, `encoder_layers` and `encoder_attention_heads`.
    "hidden_size",
    "num_attention_heads",
    "num_encoder_layers",
    "num_hidden_layers",
    // M2M-100 and T5 know no limit of positions.
    "max_position_embeddings",
    "n_positions",
    // Gemma: the name in use is `hidden_activation`.
    "hidden_act",
    // Windows in architectures without windows.
    "_sliding_window_pattern",
    "max_window_layers",
    "sliding_window",
    "sliding_window_size",
    // Hunyuan's own training code. `NEUTRAL_VALUES` of decoders has the keys that switch on what these belong to.
    "attention_head_dim",
    "capacity_factor",
    "chunk_size",
    "cla_share_factor",
    "dense_list",
    "group_limited_greedy",
    "kv_lora_rank",
    "n_group",
    "norm_topk_prob",
    "num_experts_per_tok",
    "num_media_embeds",
    "num_shared_expert",
    "org_vocab_size",
    "q_lora_rank",
    "qk_nope_head_dim",
    "qk_rope_head_dim",
    "routed_scaling_factor",
    "scoring_func",
    "topk_group",
    "topk_method",
    "v_head_dim",
    // The part of a model that takes images.
    "mm_tokens_per_image",
    "multimodal_projector_bias",
    "projector_hidden_act",
    "text_config",
    "vocab_size",
];

/// Beginnings of the names of harmless keys.
const HARMLESS_STARTS: &[&str] = &[
    "anyres_", "audio_", "classif", "image_", "mamba_", "moe_", "student_", "summary_", "unsloth_", "video_",
    "vision_", "vit_",
];

/// Ends of the names of harmless keys. Ids are read where they matter.
const HARMLESS_ENDS: &[&str] = &[
    "_id",
    "_loss_coef",
    "_token_index",
    "drop",
    "dropout",
    "dropout_prob",
    "dropout_rate",
];

/// All keys of transformers' `GenerationConfig`, from version 4.20 to 5.24, and those that other programs write there.
/// [`crate::decode::generation`] obeys them, ignores them or refuses them.
const GENERATION: &[&str] = &[
    "assistant_confidence_threshold",
    "assistant_early_exit",
    "assistant_ensemble_weight",
    "assistant_lookbehind",
    "bad_words_ids",
    "begin_suppress_tokens",
    "cache_config",
    "cache_implementation",
    "chat_format",
    "compile_config",
    "constraints",
    "continuous_batching_config",
    "disable_compile",
    "diversity_penalty",
    "do_sample",
    "dola_layers",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "epsilon_cutoff",
    "eta_cutoff",
    "exponential_decay_length_penalty",
    "force_bos_token_to_be_generated",
    "force_words_ids",
    "forced_decoder_ids",
    "frequency_penalty",
    "generation_kwargs",
    "guidance_scale",
    "is_assistant",
    "length_penalty",
    "low_memory",
    "max_cache_len",
    "max_length",
    "max_matching_ngram_size",
    "max_new_tokens",
    "max_time",
    "max_window_size",
    "min_length",
    "min_new_tokens",
    "min_p",
    "no_repeat_ngram_size",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_logits",
    "output_scores",
    "penalty_alpha",
    "prefill_chunk_size",
    "presence_penalty",
    "prompt_lookup_num_tokens",
    "remove_invalid_values",
    "renormalize_logits",
    "repetition_penalty",
    "return_dict_in_generate",
    "return_legacy_cache",
    "seed",
    "sequence_bias",
    "speculation_type",
    "stop_strings",
    "suppress_tokens",
    "target_lookbehind",
    "temperature",
    "token_healing",
    "top_h",
    "top_k",
    "top_p",
    "typical_p",
    "use_mtp",
    "watermarking_config",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_a_result_is_not_harmless() {
        for key in [
            "rope_scaling",
            "scale_decoder_outputs",
            "logit_scale",
            "attention_multiplier",
            "quantization_config",
        ] {
            assert!(!is_harmless(key), "{key}");
        }
        for key in [
            "encoder_layerdrop",
            "im_end_id",
            "image_token_index",
            "moe_topk",
            "torch_dtype",
            "num_beams",
        ] {
            assert!(is_harmless(key), "{key}");
        }
    }
}
